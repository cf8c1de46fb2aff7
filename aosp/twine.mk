# Twine for a product: one line in the device's makefile,
#
#     $(call inherit-product, vendor/twine/aosp/twine.mk)
#
# below the settings that it reads. INTEGRATION.md tells the whole way.
#
#   TWINE_OVERLAY  the maker's settings (config/overlay.example.toml is a start)
#   TWINE_ROOTS    the certificates that it names, all in one PEM file
#   TWINE_BRIDGE_IN_PHONE_PROCESS := true
#                  puts the bridge into com.android.phone: one process less
#                  (some 25 MiB on a small phone), but a fault of either takes
#                  the other with it
#   TWINE_SAMPLE := true
#                  installs the sample messaging app (never in a product that
#                  is sold)

# Where this folder is in the source tree.
TWINE_AOSP ?= vendor/twine/aosp

ifeq ($(strip $(TWINE_OVERLAY)),)
$(error twine.mk: set TWINE_OVERLAY to a file that names your gateway, \
    see $(TWINE_AOSP)/config/overlay.example.toml)
endif
ifeq ($(strip $(TWINE_ROOTS)),)
$(error twine.mk: set TWINE_ROOTS to the PEM file of the certificates that \
    your gateway's certificate is signed with)
endif

PRODUCT_PACKAGES += \
    twined \
    twinectl \
    TwineBridge

PRODUCT_COPY_FILES += \
    $(TWINE_OVERLAY):$(TARGET_COPY_OUT_PRODUCT)/etc/twine/overlay.toml \
    $(TWINE_ROOTS):$(TARGET_COPY_OUT_PRODUCT)/etc/twine/roots.pem

# Read by Android.bp.
$(call soong_config_set,twine,bridge_in_phone_process,$(if $(filter true,$(TWINE_BRIDGE_IN_PHONE_PROCESS)),true,false))

ifeq ($(TWINE_SAMPLE),true)
PRODUCT_PACKAGES += TwineSample
endif

# The daemon's user and its SELinux policy. Where a BoardConfig.mk that is read
# later sets these with := instead of +=, these lines are lost: add them there.
TARGET_FS_CONFIG_GEN += $(TWINE_AOSP)/config.fs
SYSTEM_EXT_PUBLIC_SEPOLICY_DIRS += $(TWINE_AOSP)/sepolicy/public
SYSTEM_EXT_PRIVATE_SEPOLICY_DIRS += $(TWINE_AOSP)/sepolicy/private
