import tempfile
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import permissions

KINDS = permissions.table("""
# A comment.
SEND_SMS            dangerous              \\.sendTextMessage\\(
MODIFY_PHONE_STATE  signature|privileged   setPreferredDataSubscriptionId
WAKE_LOCK           normal                 newWakeLock
""")
HEAD = '<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="p">'
MANIFEST = HEAD + """
  <permission android:name="org.twine.permission.USE_TWINE" android:protectionLevel="signature"/>
  <uses-permission android:name="android.permission.SEND_SMS"/>
  <uses-permission android:name="android.permission.MODIFY_PHONE_STATE"/>
  <application>
    <service android:name=".S" android:exported="true" android:permission="x"/>
    <receiver android:name=".R" android:exported="true">
      <intent-filter><action android:name="android.intent.action.BOOT_COMPLETED"/></intent-filter>
    </receiver>
  </application>
</manifest>"""
JAVA = 'sms.sendTextMessage(a); sub.setPreferredDataSubscriptionId(1); // newWakeLock'
SMS, MODIFY = "android.permission.SEND_SMS", "android.permission.MODIFY_PHONE_STATE"


class Permissions(unittest.TestCase):
    def problems(self, manifest=MANIFEST, java=JAVA, privileged=(MODIFY,), runtime=(SMS,)):
        root = ET.fromstring(manifest)
        java = permissions.without_comments(java)
        return permissions.check_bridge(root, java, KINDS, set(privileged), set(runtime)) + \
            permissions.check_protection(root)

    def test_what_agrees_passes(self):
        self.assertEqual(self.problems(), [])

    def test_each_side_that_differs_is_found(self):
        use = "requested by the manifest, against use in Java: "
        self.assertEqual(self.problems(java="setPreferredDataSubscriptionId"), [use + SMS + " is too much"])
        self.assertEqual(self.problems(java=JAVA + "\nnewWakeLock()"),
                         [use + "android.permission.WAKE_LOCK is missing"])
        self.assertEqual(self.problems(privileged=()),
                         [f"privapp-permissions, against the manifest: {MODIFY} is missing"])
        self.assertEqual(self.problems(runtime=(SMS, MODIFY)),
                         [f"default-permissions, against the manifest: {MODIFY} is too much"])
        unknown = MANIFEST.replace("  <application>", '<uses-permission android:name="android.permission.FLY"/><application>')
        self.assertEqual(self.problems(unknown), ["android.permission.FLY: not in checks/permissions.txt"])

    def test_a_way_in_without_a_permission_is_found(self):
        open_service = MANIFEST.replace(' android:permission="x"', "")
        self.assertEqual(self.problems(open_service), ["service .S is exported without a permission"])
        open_receiver = MANIFEST.replace("BOOT_COMPLETED", "MAIN")
        self.assertEqual(self.problems(open_receiver), ["receiver .R is exported without a permission"])
        weak = MANIFEST.replace('"signature"', '"normal"')
        self.assertIn("protectionLevel signature", self.problems(weak)[0])

    def test_a_bridge_that_is_not_started_at_boot_is_found(self):
        good = MANIFEST.replace("<application>", '<application android:directBootAware="true">') \
            .replace("BOOT_COMPLETED", "LOCKED_BOOT_COMPLETED")

        def problems(manifest):
            return permissions.check_start(ET.fromstring(manifest))

        self.assertEqual(problems(good), [])
        self.assertIn("no receiver", problems(good.replace("LOCKED_", ""))[0])
        self.assertIn("no receiver", problems(good.replace(
            '<receiver android:name=".R"', '<receiver android:name=".R" android:directBootAware="false"'))[0])
        self.assertIn("not directBootAware", problems(good.replace(' android:directBootAware="true"', ""))[0])

    def test_an_app_that_cannot_be_the_default_sms_app_is_found(self):
        sample = (Path(__file__).parents[1] / "sample/AndroidManifest.xml").read_text()
        self.assertEqual(permissions.check_sms_role(ET.fromstring(sample)), [])
        for tag, action, permission in permissions.SMS_ROLE:
            without = permissions.check_sms_role(ET.fromstring(sample.replace(action, "a.b.C")))
            self.assertEqual(len(without), 1)
            self.assertIn(f"no {tag} for {action}", without[0])
            if permission:
                open_to_all = sample.replace(permission, "a.b.C")
                self.assertIn(permission, permissions.check_sms_role(ET.fromstring(open_to_all))[0])

    def shape(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            file.write_text(text)
            return permissions.check_shape(file)

    def test_shapes(self):
        good = '<permissions><privapp-permissions package="p"><permission name="n"/></privapp-permissions></permissions>'
        name = "privapp-permissions-p.xml"
        self.assertEqual(self.shape(name, good), [])
        self.assertIn("mismatched tag", self.shape(name, good[:-3] + "x>")[0])
        self.assertIn("has no place", self.shape(name, good.replace("<permission n", "<permision n"))[0])
        self.assertIn("is about q", self.shape(name, good.replace('"p"', '"q"'))[0])
        self.assertIn("without a name", self.shape(name, good.replace(' name="n"', ""))[0])
        self.assertIn("the root is", self.shape("sysconfig-p.xml", good)[0])
        self.assertIn("not a kind", self.shape("x.xml", good)[0])


if __name__ == "__main__":
    unittest.main()
