"""What somebody needs who writes a channel: a desk that remembers, and the suite that every channel must pass.

Only for tests: nothing that runs in production imports this package, which needs pytest.
"""

import pytest

pytest.register_assert_rewrite("helpdesk.testing.channel_contract")
