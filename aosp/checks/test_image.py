import tempfile
import unittest
from pathlib import Path

import bp
import image
import makefile
import rc

RC = """
on post-fs-data
    mkdir /data/misc/x 0700 system_ext_x system_ext_x
service x /system_ext/bin/x --config /system_ext/etc/x/x.toml --overlay /product/etc/x.toml
    user system_ext_x
    group system_ext_x inet
    capabilities WAKE_ALARM
    socket x stream 0666
"""
BP = """
cc_prebuilt_binary { name: "x", system_ext_specific: true, init_rc: ["twined.rc"] }
prebuilt_etc { name: "x.toml", sub_dir: "x", system_ext_specific: true, src: "x.toml" }
python_test_host { name: "t" }
"""
CONFIG = {"socket": "/dev/socket/x", "data_dir": "/data/misc/x"}
COPIED = {"product/etc/x.toml"}


class Image(unittest.TestCase):
    def rc_problems(self, text=RC, blueprint=BP, config=CONFIG, copied=frozenset(COPIED)):
        users = ["system_ext_x"]
        modules = bp.Parser(blueprint).parse()
        return image.check_rc(rc.parse(text, users=users), users, modules, config, copied)

    def test_a_service_that_agrees_passes(self):
        self.assertEqual(self.rc_problems(), [])

    def test_each_side_that_differs_is_found(self):
        for problems in [
            self.rc_problems(RC.replace("/bin/x", "/bin/y")),
            self.rc_problems(RC.replace("x/x.toml", "x/y.toml")),
            self.rc_problems(RC.replace("user system_ext_x", "user root")),
            self.rc_problems(RC.replace("WAKE_ALARM", "WAKE_ALARM NET_RAW")),
            self.rc_problems(RC.replace("socket x", "socket y")),
            self.rc_problems(RC.replace("0700", "0770")),
            self.rc_problems(blueprint=BP.replace("twined.rc", "other.rc")),
            self.rc_problems(config=CONFIG | {"data_dir": "/data/misc/y"}),
            self.rc_problems(copied=frozenset()),
        ]:
            self.assertEqual(len(problems), 1, problems)

    def test_a_user_needs_the_partition_s_name_and_range(self):
        with tempfile.NamedTemporaryFile("w") as file:
            for text, found in [
                ("[AID_SYSTEM_EXT_X]\nvalue: 7500\n", 0),
                ("[AID_X]\nvalue: 7500\n", 1),
                ("[AID_SYSTEM_EXT_X]\nvalue: 2900\n", 1),
            ]:
                Path(file.name).write_text(text)
                self.assertEqual(len(image.check_config_fs(file.name)[1]), found, text)

    def test_a_mapping_to_no_test_is_found(self):
        modules = bp.Parser(BP).parse()
        good = '{"presubmit": [{"name": "t"}]}'
        self.assertEqual(image.check_test_mapping(good, modules), [])
        self.assertEqual(len(image.check_test_mapping(good.replace('"t"', '"x"'), modules)), 1)
        self.assertEqual(len(image.check_test_mapping(good.replace("pre", "pro"), modules)), 1)

    def test_prebuilts_differ(self):
        modules = bp.Parser('cc_prebuilt_binary { name: "x", srcs: ["prebuilts/arm/x"] }').parse()
        self.assertEqual(image.check_prebuilts(modules, ["prebuilts/arm/x"]), [])
        self.assertEqual(len(image.check_prebuilts(modules, ["prebuilts/arm/y"])), 2)

    def makefile_problems(self, old, new):
        aosp = Path(__file__).resolve().parent.parent
        modules = bp.read(aosp.parent, ("aosp",))
        with tempfile.TemporaryDirectory() as folder:
            for name in ("config", "sepolicy", "config.fs"):
                Path(folder, name).symlink_to(aosp / name)
            text = (aosp / "twine.mk").read_text()
            self.assertIn(old, text)
            Path(folder, "twine.mk").write_text(text.replace(old, new))
            return image.check_makefile(folder, modules)[1]

    def test_mistakes_in_the_makefile_are_found(self):
        self.assertEqual(self.makefile_problems("config.fs", "config.fs"), [])
        for old, new, said in [
            ("    twinectl \\", "    twinctl \\", "no module twinctl"),
            ("sepolicy/private", "sepolicy/privat", "does not exist"),
            ("TARGET_FS_CONFIG_GEN +=", "TARGET_FS_CONFIG +=", "TARGET_FS_CONFIG_GEN is empty"),
            ("bridge_in_phone_process", "bridge_in_phone", "Android.bp reads"),
            ("$(error", "$(warning", "goes on without"),
            ("endif", "end", "twine.mk: "),
        ]:
            with self.subTest(new):
                self.assertTrue(any(said in p for p in self.makefile_problems(old, new)))

    def test_make_s_own_errors_are_told(self):
        with self.assertRaisesRegex(makefile.MakeError, "No such file"):
            makefile.evaluate("/nonexistent.mk")


if __name__ == "__main__":
    unittest.main()
