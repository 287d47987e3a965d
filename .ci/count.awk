# Passes on what matters of go test -v, and ends with the counts.
/^ *--- PASS/ { passed++ }
/^ *--- FAIL/ { failed++ }
/^ *--- SKIP/ { skipped++ }
/^panic: |^FAIL|build failed|setup failed/ { broken = 1 }
!/^=== |^ *--- PASS|^PASS$|no test files/ { print; fflush() }
END {
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed || broken || !passed
}
