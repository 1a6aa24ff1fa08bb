"""Reports made from ledgers: the figures (``model``), plain text (``text``) and one HTML page (``html``)."""
