"""moto's server for the test of the stack: moto_server.py, and how moto reads policies mended.

1. A statement of a trust policy whose principal is a service says nothing of a user.
   moto stumbles over it when it checks who may take on the role.
2. For most calls moto does not know the resource and asks about "*", which no narrow
   statement allows. Such a call is judged by its action alone; S3's are by both.
"""

import sys

import moto_server
from moto.iam.access_control import IAMPolicyStatement, PermissionResult


def mend_policies():
    judged = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self, action, resource="*", *question):
        expected = self._statement.get("Principal")
        if isinstance(expected, dict) and "AWS" not in expected:
            return PermissionResult.NEUTRAL
        if resource == "*" and "Resource" in self._statement:
            self._statement = {**self._statement, "Resource": "*"}
        return judged(self, action, resource, *question)

    IAMPolicyStatement.is_action_permitted = is_action_permitted


if __name__ == "__main__":
    mend_policies()
    sys.exit(moto_server.main())
