"""``python -m pytest_callqa.cli``, the same as ``callqa``."""

from pytest_callqa.cli import main

raise SystemExit(main())
