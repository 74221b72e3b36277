"""Names of columns that say who a patient is, or that hold free text.

A name is a strong hint and costs no privacy. What a name hides, `wardveil.tables.look` finds
by shape.
"""

from fnmatch import fnmatchcase
from typing import Final

from wardveil.schema.catalogue import words_of

KEYS: Final = (
    "patient_id", "patient", "patientid", "patient_no", "patient_number", "patient_key",
    "subject_id", "subject",
    "subjectid", "participant_id", "participant", "participantid", "person_id", "personid",
    "pid", "ptid", "pat_id",
    "usubjid", "subjid", "record_id", "maskid", "seqn", "study_id", "studyid", "case_id",
    "caseid", "hadm_subject",
    "client_id", "pseudonym", "pseudo_id",
)  # fmt: skip
"""Names of columns that tell patients apart, most telling first; a bare "id" comes last."""

_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "names a person": (
        "name", "full_name", "first_name", "last_name", "given_name", "family_name",
        "surname", "middle_name",
        "maiden*", "patient_name", "forename", "firstname", "lastname", "fullname",
        "initials", "first", "last",
        "middle", "prefix", "suffix", "mother_name", "father_name", "mothers_name",
        "contact_name", "physician_name",
        "doctor_name", "provider_name", "next_of_kin*", "username", "user_name", "signature",
    ),
    "is an official or record number": (
        "ssn", "*_ssn", "social_security*", "nhs", "nhs_*", "nhsnumber", "mrn", "*_mrn",
        "medical_record*", "chi_number",
        "drivers", "driver*_licen*", "passport*", "licen*_number", "license",
        "insurance_number", "insurance_id",
        "policy_number", "health_plan*", "medicare*_number", "medicaid*_number",
        "beneficiary*", "account*_number",
        "account_id", "account", "tax_id", "national_id", "certificate*", "licence_plate",
        "license_plate", "vin",
    ),
    "is a way to reach a person": (
        "*email*", "e_mail*", "*phone*", "tel", "tel_*", "*_tel", "mobile", "mobile_*", "fax",
        "fax_*", "*address*",
        "street*", "url", "*_url", "website", "ip", "ip_*", "mac", "twitter", "facebook",
    ),
    "is a place finer than a state": (
        "zip", "zip_*", "*_zip", "zipcode", "zip3", "postcode", "post_code", "*_postcode",
        "postal*", "city", "*_city", "town",
        "county", "fips", "lat", "lon", "lng", "latitude", "longitude", "birthplace",
        "birth_place", "place_of_birth",
        "geo*", "neighbo*rhood",
    ),
    "is an exact date of birth or death; use age": (
        "birthdate", "birth_date", "date_of_birth", "dob", "birthday", "date_birth",
        "deathdate", "death_date",
        "date_of_death", "dod",
    ),
    "names a device": ("device", "device_id", "device_*", "serial*", "imei", "udi",
    "pacemaker_id"),
    "is a picture or a body print": ("photo*", "image", "image_*", "fingerprint*", "face*",
    "voice*", "retina_scan"),
}  # fmt: skip
_TEXT: Final = (
    "note", "notes", "*_note", "*_notes", "comment", "comments", "*_comment", "*_comments",
    "narrative*", "remark*",
    "free_text*", "freetext*", "text", "*_text", "report", "*_report", "description",
    "*_description", "impression",
    "findings", "history_text", "chief_complaint", "reason_text", "letter", "summary",
    "discharge_summary",
)  # fmt: skip
_NUMBERED: Final = (
    "id",
    "*_id",
    "uuid",
    "guid",
    "*_uuid",
    "*_number",
    "*_no",
    "row",
    "index",
    "unnamed",
    "unnamed_0",
)


def reason_to_drop(name: str) -> str:
    """Why a column with this name must not be modelled; "" when nothing speaks against it.

    Example:
        >>> reason_to_drop("HomePhone")
        'is a way to reach a person'
        >>> reason_to_drop("glucose")
        ''
    """
    base = "_".join(words_of(name))
    for reason, patterns in _REASONS.items():
        if _fits(base, patterns):
            return reason
    if _fits(base, _TEXT):
        return "free text cannot be modelled and may name people"
    return "a number that only tells rows apart" if _fits(base, _NUMBERED) else ""


def _fits(base: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(base, pattern) for pattern in patterns)


def key_among(names: list[str]) -> str:
    """The column that tells patients apart, by name; "" when none does."""
    bases = {"_".join(words_of(name)): name for name in reversed(names)}
    return next((bases[key] for key in (*KEYS, "id") if key in bases), "")
