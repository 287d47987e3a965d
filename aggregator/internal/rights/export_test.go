package rights

// ParseBook is who a list names, or why it is not in order.
func ParseBook(b []byte) ([]*Principal, error) {
	k, err := parseBook("l.yaml", b)
	if err != nil {
		return nil, err
	}
	return k.list, nil
}
