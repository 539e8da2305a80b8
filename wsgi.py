"""The application, for any WSGI server: `wsgi:app`."""

from moderation import create_app
from moderation.config import BadSetting

try:
    app = create_app()
except BadSetting as fault:
    raise SystemExit(f"Error: {fault}") from None
