"""What a data set is: manifest, importers, splits by patient, augmentation, phantom and lesion synthesis."""
