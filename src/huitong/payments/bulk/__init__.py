"""Files of payments: payroll and suppliers, up to 100,000 lines.

A file is checked as a whole before anything is paid; one person of the business submits it, another
approves exactly those bytes. Then the money of all lines is reserved, and a worker pays them in
batches, each line once. Owns users of businesses, files, their lines and what is wrong with them.
"""

from huitong.payments.bulk.checking import Checked, check_lines
from huitong.payments.bulk.commands import (
    approve_bulk_file,
    reject_bulk_file,
    submit_bulk_file,
)
from huitong.payments.bulk.csv_reader import CsvReader
from huitong.payments.bulk.errors import (
    BulkFileChanged,
    BulkFileNotFound,
    BulkFileNotWaiting,
    BulkFileRepeated,
    BulkFileTooLarge,
    BulkFileUnreadable,
    BulkNotAllowed,
    BusinessUserNotFound,
    TooManyUploads,
)
from huitong.payments.bulk.events import (
    BulkFileApproved,
    BulkFilePaid,
    BulkFileRejected,
    BulkFileStopped,
    BulkFileSubmitted,
)
from huitong.payments.bulk.formats import find_reader
from huitong.payments.bulk.invariants import INVARIANTS
from huitong.payments.bulk.origins import Origin, find_origins
from huitong.payments.bulk.pain001_reader import Pain001Reader
from huitong.payments.bulk.payer import FilePayer
from huitong.payments.bulk.paying import is_any_waiting, pay_next_batch
from huitong.payments.bulk.postings import LINE_CODES
from huitong.payments.bulk.queries import (
    escape_cell,
    get_bulk_file,
    list_bulk_files,
    list_failed_lines,
    list_problems,
    write_problems,
    write_problems_after,
)
from huitong.payments.bulk.reading import Reader, identify
from huitong.payments.bulk.report import write_report
from huitong.payments.bulk.types import (
    BulkFile,
    BusinessUser,
    Charset,
    DueLine,
    FileLine,
    FileState,
    Head,
    Line,
    LineState,
    Problem,
    ProblemCode,
    Purpose,
    RawLine,
    Role,
)
from huitong.payments.bulk.uploads import UploadPlaces, check_file_count
from huitong.payments.bulk.users import (
    check_business_user,
    check_is_business_user,
    check_submitter,
    end_business_user,
    find_business_user,
    is_business_user,
    list_business_users,
    name_business_user,
)
from huitong.payments.bulk.xlsx_reader import XlsxReader

__all__ = [
    "INVARIANTS",
    "LINE_CODES",
    "BulkFile",
    "BulkFileApproved",
    "BulkFileChanged",
    "BulkFileNotFound",
    "BulkFileNotWaiting",
    "BulkFilePaid",
    "BulkFileRejected",
    "BulkFileRepeated",
    "BulkFileStopped",
    "BulkFileSubmitted",
    "BulkFileTooLarge",
    "BulkFileUnreadable",
    "BulkNotAllowed",
    "BusinessUser",
    "BusinessUserNotFound",
    "Charset",
    "Checked",
    "CsvReader",
    "DueLine",
    "FileLine",
    "FilePayer",
    "FileState",
    "Head",
    "Line",
    "LineState",
    "Origin",
    "Pain001Reader",
    "Problem",
    "ProblemCode",
    "Purpose",
    "RawLine",
    "Reader",
    "Role",
    "TooManyUploads",
    "UploadPlaces",
    "XlsxReader",
    "approve_bulk_file",
    "check_business_user",
    "check_file_count",
    "check_is_business_user",
    "check_lines",
    "check_submitter",
    "end_business_user",
    "escape_cell",
    "find_business_user",
    "find_origins",
    "find_reader",
    "get_bulk_file",
    "identify",
    "is_any_waiting",
    "is_business_user",
    "list_bulk_files",
    "list_business_users",
    "list_failed_lines",
    "list_problems",
    "name_business_user",
    "pay_next_batch",
    "reject_bulk_file",
    "submit_bulk_file",
    "write_problems",
    "write_problems_after",
    "write_report",
]
