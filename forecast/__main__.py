"""`python -m forecast`."""

from forecast.cli.main import main

main()
