# Passes on what matters of go test -v: a line a package, all that a failed one
# said, what was skipped and why, and at the end the counts.
/^=== / || /^ *--- PASS/ || /^PASS$/ || /no test files/ { passed += /--- PASS/; next }
/^ *--- SKIP/ { skipped++; skipping = 1 }
/^ *--- FAIL/ { failed++ }
/^ok / || /^\?/ { print; fflush(); said = ""; next }
/^FAIL/ || /^panic: / || /build failed|setup failed/ { broken = 1; printf "%s", said; said = ""; print; fflush(); next }
skipping { print; skipping = /--- SKIP/ }
{ said = said $0 "\n" }
END {
	printf "%s%d passed, %d failed, %d skipped\n", broken ? said : "", passed, failed, skipped
	exit failed || broken || !passed
}
