# Passes on what matters of go test -v, and of Jest told alike: a line a package,
# all that a failed one said, what was skipped and why, and at the end the counts.
# A package that failed though none of its tests did counts as a failed test.
/^=== / || /^ *--- PASS/ || /^PASS$/ || /no test files/ { passed += /--- PASS/; next }
/^ *--- SKIP/ { skipped++; skipping = 1 }
/^ *--- FAIL/ { failed++ }
/^FAIL\t/ { failed += failed == told }
/^ok / || /^FAIL\t/ { told = failed }
/^ok / || /^\?/ { print; fflush(); said = ""; next }
/^FAIL/ || /^panic: / || /build failed|setup failed/ { broken = 1; printf "%s", said; said = ""; print; fflush(); next }
skipping { print; skipping = /--- SKIP/ }
{ said = said $0 "\n" }
END {
	printf "%s%d passed, %d failed, %d skipped\n", broken ? said : "", passed, failed, skipped
	exit failed || broken || !passed
}
