"""The tests of the checks, for the platform's test runner. Those that need the
policy compilers are left out where these are not installed: there the
platform's own build compiles the policy."""

import unittest

from test_bp import *  # noqa: F403
from test_image import *  # noqa: F403
from test_permissions import *  # noqa: F403
from test_rc import *  # noqa: F403

if __name__ == "__main__":
    unittest.main()
