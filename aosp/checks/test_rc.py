import unittest

import rc

GOOD = """
# A comment.
on post-fs-data
    mkdir /data/misc/x 0700 me me

service x /system_ext/bin/x --flag "two words"
    user me
    group me inet
    socket x stream+listen 0666 me \\
        me
    capabilities WAKE_ALARM
"""


class Rc(unittest.TestCase):
    def problem(self, text):
        with self.assertRaises(rc.RcError) as caught:
            rc.parse(text, "x.rc", ["me"])
        return str(caught.exception)

    def test_what_is_right_is_read(self):
        action, service = rc.parse(GOOD, users=["me"])
        self.assertEqual(action.args, ["post-fs-data"])
        self.assertEqual(service.args, ["x", "/system_ext/bin/x", "--flag", "two words"])
        self.assertEqual(service.one("socket"), ["x", "stream+listen", "0666", "me", "me"])

    def test_each_mistake_is_found_in_its_line(self):
        for right, wrong, said in [
            ("group me inet", "gruop me inet", "x.rc:8: gruop: no such option"),
            ("mkdir", "mkdirs", "x.rc:4: mkdirs: no such command"),
            ("user me", "user you", "x.rc:7: user: no user you"),
            ("user me", "user me me", "x.rc:7: user: 2 arguments, 1 to 1 are allowed"),
            ("WAKE_ALARM", "CAP_WAKE_ALARM", "x.rc:11: no capability CAP_WAKE_ALARM"),
            ("0700", "0798", "x.rc:4: 0798: a mode is three or four octal digits"),
            ("stream+listen", "stream+listens", "x.rc:9: stream+listens: not a type of socket"),
            ("post-fs-data", "post-fs-date", "x.rc:3: post-fs-date: init has no such event"),
            ("/system_ext/bin/x", "x", "x.rc:6: x: a program needs its whole path"),
            ("    capabilities", "    user me\n    capabilities", "x.rc:11: user: is there twice"),
        ]:
            with self.subTest(wrong):
                self.assertIn(right, GOOD)
                self.assertEqual(self.problem(GOOD.replace(right, wrong, 1)), said)

    def test_a_service_without_a_user_is_found(self):
        text = "service x /system_ext/bin/x\n  class main\n"
        self.assertEqual(self.problem(text), "x.rc:1: x has no user, so it would be root")

    def test_numbers_have_ranges(self):
        head = "service x /b/x\n  user me\n  "
        for line in ["oom_score_adjust -1001", "priority 20", "restart_period 4", "ioprio be 8",
                     "rlimit nofiles 1 1", "rlimit nofile one 1", "task_profiles Fast", "class late"]:
            with self.subTest(line):
                self.assertTrue(self.problem(head + line).startswith("x.rc:3: "))

    def test_what_init_would_ignore_is_found(self):
        self.assertIn("before the first section", self.problem("user me\n"))
        twice = "service x /b/x\n  user me\n"
        self.assertIn("is there twice", self.problem(twice + twice))
        self.assertIn("a quote is not closed", self.problem('service x /b/x "\n'))


if __name__ == "__main__":
    unittest.main()
