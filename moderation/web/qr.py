"""A QR code as one path of an SVG, which a template prints without a style."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A square of modules, quiet zone included, and the path of the dark ones."""

    size: int
    path: str


def picture(text: str) -> Picture:
    """Draw a text."""
    from qrcode.constants import ERROR_CORRECT_M  # loaded when it is needed: setting up an app is rare
    from qrcode.main import QRCode

    code = QRCode(border=4, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return Picture(len(rows), path)
