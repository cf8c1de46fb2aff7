# The daemon's own user, from the range that AOSP reserves for system_ext
# (7500 to 7999). The build demands the partition's name in front, so on the
# phone the user is called system_ext_twine. If another system_ext package of
# yours has 7517 already, choose another number here: nothing else names it.
[AID_SYSTEM_EXT_TWINE]
value: 7517
