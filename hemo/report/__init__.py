"""What leaves the app: tables, overlays, PDF, DICOM and JSON, made of plain data and returned as bytes or text."""
