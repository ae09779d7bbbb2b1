"""moto's server for the test of the stack: moto_server.py, and one more thing mended.

A statement of a trust policy whose principal is a service says nothing of a user.
moto stumbles over it when it checks who may take on the role.
"""

import sys

import moto_server
from moto.iam.access_control import IAMPolicyStatement


def mend_service_principals():
    check = IAMPolicyStatement._check_principal

    def check_principal(self, principal):
        expected = self._statement.get("Principal")
        if isinstance(expected, dict) and "AWS" not in expected:
            return False
        return check(self, principal)

    IAMPolicyStatement._check_principal = check_principal


if __name__ == "__main__":
    mend_service_principals()
    sys.exit(moto_server.main())
