import tempfile
import unittest
from pathlib import Path

import bp

GOOD = """
// A comment.
flags = ["a"]
flags += ["b"]
cc_prebuilt_binary {
    name: "tool",
    arch: { arm64: { srcs: ["prebuilts/arm64/tool"] } },
    shared_libs: ["libc"],
    init_rc: ["tool.rc"],
}
"""


class Bp(unittest.TestCase):
    def problems(self, text, files=("tool.rc",)):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Android.bp").write_text(text)
            for file in files:
                Path(folder, file).write_text("")
            return bp.check(bp.read(folder), {"libc"}, folder)

    def test_what_is_right_passes(self):
        self.assertEqual(self.problems(GOOD), [])

    def test_a_reference_to_nowhere_is_found(self):
        found = self.problems(GOOD.replace('"libc"', '"libcc"'))
        self.assertEqual(found, ["Android.bp:5: tool.shared_libs: no module libcc"])

    def test_a_missing_file_is_found(self):
        found = self.problems(GOOD, files=())
        self.assertEqual(found, ["Android.bp:5: tool.init_rc: no file tool.rc"])

    def test_a_misspelt_property_or_type_is_found(self):
        found = self.problems(GOOD.replace("shared_libs", "shared_lib"))
        self.assertEqual(found, ["Android.bp:5: cc_prebuilt_binary has no property shared_lib"])
        found = self.problems(GOOD.replace("arch:", "archs:"))
        self.assertEqual(found, ["Android.bp:5: cc_prebuilt_binary has no property archs"])
        found = self.problems(GOOD.replace("cc_prebuilt_binary", "cc_binary"))
        self.assertEqual(found, ["Android.bp:5: unknown module type cc_binary"])

    def test_a_name_twice_is_found(self):
        self.assertIn("is there twice", self.problems(GOOD + GOOD.split("]\n", 2)[2])[0])

    def test_broken_syntax_has_its_line(self):
        with self.assertRaisesRegex(bp.BpError, "^f:2: "):
            bp.Parser('license {\n name "x" }', "f").parse()

    def test_an_interface_brings_its_versions(self):
        module = bp.Module("aidl_interface", {"name": "i"}, "f", 1)
        self.assertEqual(bp.generated(module), {"i-V1-java"})
        module.props["versions_with_info"] = [{"version": "1", "imports": []}]
        self.assertEqual(bp.generated(module), {"i-V1-java", "i-V2-java"})

    def test_annotations_without_their_library_are_found(self):
        library = 'java_library { name: "j", srcs: ["*.java"], sdk_version: "system_current"%s }'
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "Android.bp")
            Path(folder, "A.java").write_text("import android.annotation.NonNull;\n")

            def problems(more):
                file.write_text(library % more)
                return bp.check_annotations(bp.read(folder), folder)

            self.assertEqual(problems(""), ["Android.bp:1: j.libs: A.java needs framework-annotations-lib"])
            self.assertEqual(problems(', libs: ["framework-annotations-lib"]'), [])
            Path(folder, "A.java").write_text("import android.app.Activity;\n")
            self.assertEqual(problems(""), [])


if __name__ == "__main__":
    unittest.main()
