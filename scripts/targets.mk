# SPDX-License-Identifier: GPL-3.0-or-later
# What people type; how things are built is in the Makefile.
