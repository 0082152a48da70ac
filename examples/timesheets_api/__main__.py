"""Serve the API: `python -m examples.timesheets_api`, with ISSUER and PORT in the environment."""

import os

from examples.serving import serve_forever
from examples.timesheets_api.app import create_app

if __name__ == "__main__":
    serve_forever("Timesheets API", create_app(os.environ["ISSUER"]), int(os.environ.get("PORT", "0")))
