# SPDX-License-Identifier: GPL-3.0-or-later
# make install: programs, man pages, bash completion; DESTDIR and PREFIX as usual.

MANDIR        ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

# Both come out of the option tables of the program itself.
$(BUILD)/%.1: $(BUILD)/%
	$< help --man >$@.tmp
	mv $@.tmp $@
$(BUILD)/%.bash: $(BUILD)/%
	$< help --completion >$@.tmp
	mv $@.tmp $@

.PHONY: install uninstall install-texts
install-texts: $(patsubst %,$(BUILD)/%.1,$(PROGRAMS)) $(patsubst %,$(BUILD)/%.bash,$(PROGRAMS))

install: all install-texts
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(COMPLETIONDIR)
	install -m 755 $(patsubst %,$(BUILD)/%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(patsubst %,$(BUILD)/%.1,$(PROGRAMS)) $(DESTDIR)$(MANDIR)/man1/
	@for p in $(PROGRAMS); do \
	  install -m 644 $(BUILD)/$$p.bash $(DESTDIR)$(COMPLETIONDIR)/$$p || exit 1; done

uninstall:
	rm -f $(patsubst %,$(DESTDIR)$(PREFIX)/bin/%,$(PROGRAMS)) \
	  $(patsubst %,$(DESTDIR)$(MANDIR)/man1/%.1,$(PROGRAMS)) \
	  $(patsubst %,$(DESTDIR)$(COMPLETIONDIR)/%,$(PROGRAMS))
