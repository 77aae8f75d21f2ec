"""Public head-CT sets that Hemo reads, where they can be had and on what terms. Nothing is downloaded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """One public data set.

    Attributes:
        name: as its publisher calls it.
        holds: what is in it.
        licence: its terms in short; the publisher's page has the last word.
        url: where it can be had.
        how: how Hemo takes it.
    """

    name: str
    holds: str
    licence: str
    url: str
    how: str


PUBLIC_SETS = (
    PublicSet(
        "PhysioNet CT-ICH v1.0.0",
        "82 trauma patients of one hospital, 2,501 brain-window slices, five kinds of bleed, masks",
        "CC BY 4.0; releases from 1.3.1 on are under restricted access",
        "https://physionet.org/content/ct-ich/1.0.0/",
        "Import the folder that holds hemorrhage_diagnosis.csv",
    ),
    PublicSet(
        "Kaggle Head CT - hemorrhage",
        "200 slices, 100 with a bleed, gathered from many sources in many sizes",
        "as stated on its Kaggle page",
        "https://www.kaggle.com/datasets/felipekitamura/head-ct-hemorrhage",
        "Import the folder that holds labels.csv",
    ),
    PublicSet(
        "CQ500 (Qure.ai)",
        "491 head CT studies as DICOM, read by three radiologists",
        "CC BY-NC-SA 4.0",
        "http://headctstudy.qure.ai/dataset",
        "Sort slices into class folders, or list them in a CSV with path, label and patient",
    ),
    PublicSet(
        "RSNA 2019 Intracranial Hemorrhage Detection",
        "874,035 slices of more than 25,000 head CTs of several hospitals, five kinds of bleed",
        "non-commercial use only, citation of Flanders et al. 2020 required",
        "https://www.kaggle.com/c/rsna-intracranial-hemorrhage-detection/",
        "List slices in a CSV with path, label and patient",
    ),
)
