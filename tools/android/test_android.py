import tempfile
import unittest
from pathlib import Path

import check_elf
import notice


class Elf(unittest.TestCase):
    def problems(self, size=1000, libraries=("libc.so",), aligned=(16384, 65536), arch="arm64"):
        return list(check_elf.problems("twined", arch, size, set(libraries), aligned, {"libc", "libm"}))

    def test_what_fits_passes(self):
        self.assertEqual(self.problems(), [])

    def test_each_fault_is_found(self):
        self.assertIn("over the budget", self.problems(size=3584 * 1024 + 1)[0])
        self.assertIn("needs libandroid.so", self.problems(libraries=("libc.so", "libandroid.so"))[0])
        self.assertIn("aligned to 4096", self.problems(aligned=(16384, 4096))[0])
        # 32-bit processors have small pages.
        self.assertEqual(self.problems(aligned=(4096,), arch="arm"), [])


class Notice(unittest.TestCase):
    def package(self, folder, name, licence, text=None):
        place = Path(folder, name)
        place.mkdir()
        if text:
            (place / "LICENSE-MIT").write_text(text)
        return {"name": name, "version": "1.0.0", "license": licence,
                "manifest_path": str(place / "Cargo.toml")}

    def test_a_text_is_there_once_with_all_its_crates(self):
        with tempfile.TemporaryDirectory() as folder:
            packages = [self.package(folder, n, "MIT", t) for n, t in (("a", "free"), ("b", "free"), ("c", None))]
            text = notice.notice(packages)
            self.assertEqual(text.count("free"), 1)
            for name in "abc":
                self.assertIn(f"{name} 1.0.0 (MIT)", text)

    def test_a_licence_without_any_text_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(SystemExit, "no licence file"):
            notice.notice([self.package(folder, "a", "ISC")])


if __name__ == "__main__":
    unittest.main()
