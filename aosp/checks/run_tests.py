"""The tests of the checks' parsers, for the platform's test runner. Those of the
policy and the makefile need tools and files that it does not bring; there the
platform's own build compiles both."""

import unittest

from test_bp import *  # noqa: F403
from test_permissions import *  # noqa: F403
from test_rc import *  # noqa: F403

if __name__ == "__main__":
    unittest.main()
