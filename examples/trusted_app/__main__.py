"""Serve the application: `python -m examples.trusted_app`.

In the environment: ISSUER, CLIENT_ID, CLIENT_SECRET, AUDIENCE; and if there are, TIMESHEETS_URL, DEMO_URL, PORT.
"""

import os

from examples.serving import HOST, serve_forever
from examples.trusted_app.app import create_app
from examples.trusted_app.gatehouse import Settings

if __name__ == "__main__":
    settings = Settings(
        os.environ["ISSUER"], os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], os.environ["AUDIENCE"]
    )
    urls = [os.environ.get(name, "") for name in ("TIMESHEETS_URL", "DEMO_URL")]
    app = create_app(settings, f"http://{HOST}/", *urls)
    serve_forever("Trusted application", app, int(os.environ.get("PORT", "0")))
