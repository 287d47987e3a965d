package main

import "github.com/gigawatch/gigawatch/alerts/rule"

const runbookFile = "alerts/RUNBOOK.md"

func withFacts(before []byte, _ []rule.Rule) ([]byte, error) { return before, nil }
