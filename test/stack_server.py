"""moto's server for the test of the stack: moto_server.py, and one more thing mended.

A statement of a trust policy whose principal is a service says nothing of a user.
moto stumbles over it when it checks who may take on the role.
"""

import sys

import moto_server
from moto.iam.access_control import IAMPolicyStatement, PermissionResult


def mend_service_principals():
    judged = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self, *question):
        expected = self._statement.get("Principal")
        if isinstance(expected, dict) and "AWS" not in expected:
            return PermissionResult.NEUTRAL
        return judged(self, *question)

    IAMPolicyStatement.is_action_permitted = is_action_permitted


if __name__ == "__main__":
    mend_service_principals()
    sys.exit(moto_server.main())
