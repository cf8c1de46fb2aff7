import shutil
import tempfile
import unittest
from pathlib import Path

import policy

SEPOLICY = Path(__file__).parent.parent / "sepolicy"
MISSING = [tool for tool in policy.TOOLS if not shutil.which(tool)]

LABELS = {
    "/system_ext/bin/twined": "twined_exec",
    "/system/system_ext/bin/twined": "twined_exec",
    "/system_ext/bin/twinectl": None,
    "/data/misc/twine": "twined_data_file",
    "/data/misc/twine/twine.db-wal": "twined_data_file",
    "/data/misc/twines": None,
    "/dev/socket/twined": "twined_socket",
}


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Policy(unittest.TestCase):
    def refused(self, more, because):
        for variant in ("user", "userdebug"):
            with self.assertRaises(policy.PolicyError) as caught:
                policy.Compiled(SEPOLICY, variant, more)
            self.assertIn(because, str(caught.exception))

    def test_violations_of_aosp_s_neverallows_are_found(self):
        for more in [
            "allow twined vendor_file:file execute;",
            "allow radio socket_device:sock_file write;",
            "allow twined default_android_service:service_manager add;",
            "allow twined radio_device:chr_file open;",
            "allow twined proc:file read;",
            "allow twined sysfs:file read;",
            "allow twined rild:unix_stream_socket connectto;",
            "allow rild twined_data_file:file open;",
            "allow twined self:process execmem;",
            "allow twined app_data_file:file open;",
            "allow twined twined_data_file:file execute;",
        ]:
            with self.subTest(more):
                self.refused(more, "neverallow")

    def test_violations_of_our_own_neverallows_are_found(self):
        for more in [
            "allow untrusted_app twined:unix_stream_socket connectto;",
            "allow system_server twined_socket:sock_file write;",
            "allow shell twined_data_file:file read;",
            "allow twined self:capability net_bind_service;",
            "allow twined self:capability2 block_suspend;",
            "allow twined shell_exec:file execute_no_trans;",
            "domain_auto_trans(shell, twined_exec, twined)",
            "allow twined system_server:binder call;",
            "allow twined self:packet_socket create;",
        ]:
            with self.subTest(more):
                self.refused(more, "neverallow")

    def test_names_that_do_not_exist_are_found(self):
        self.refused("allow twined twine_data:file read;", "unknown type twine_data")
        self.refused("allow twined self:process fly;", "permission fly is not defined")
        self.refused("unix_socket_conect(radio, twined, twined)", "syntax error")

    def test_labels_are_what_the_platform_s_matcher_says(self):
        contexts = SEPOLICY / "private/file_contexts"
        with policy.Compiled(SEPOLICY, "user") as compiled:
            found = {path: compiled.label(contexts, path) for path in LABELS}
        self.assertEqual(found, LABELS)

    def test_a_type_without_its_attributes_is_found(self):
        odd = policy.Compiled(SEPOLICY, "user", "type odd, file_type;")
        with odd as compiled, tempfile.NamedTemporaryFile("w") as contexts:
            contexts.write("/data/misc/odd u:object_r:odd:s0\n/odd u:object_r:odd:s0\n")
            contexts.flush()
            self.assertEqual(policy.wrong_attributes(compiled, contexts.name), [
                "file_contexts: /data/misc/odd: odd is no core_data_file_type",
                "file_contexts: /data/misc/odd: odd is no data_file_type",
                "file_contexts: /odd: not a place for a file of ours",
            ])


if __name__ == "__main__":
    unittest.main()
