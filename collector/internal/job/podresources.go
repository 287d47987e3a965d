package job

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The kubelet's pod resources, k8s.io/kubelet/pkg/apis/podresources/v1, spoken
// here without the library of gRPC: one call, of one short question and a list of
// pods, of which one at a time is kept.

// maxPod bounds what is said of one pod.
const maxPod = 1 << 20

// A pod is what the kubelet says of one.
type pod struct {
	name, namespace string
	devices         []string // accelerators, as their plugins spell them
}

// listPods calls take with every pod. What it was given counts only if no error
// comes in the end.
func listPods(ctx context.Context, c *http.Client, take func(*pod) error) error {
	question := []byte{0, 0, 0, 0, 0} // not compressed, no bytes
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kubelet/v1.PodResourcesLister/List", bytes.NewReader(question))
	if err != nil {
		return err
	}
	q.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	r, err := c.Do(q)
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = e.Err
	}
	if err != nil {
		return fmt.Errorf("ask for pod resources: %w", err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return fmt.Errorf("ask for pod resources: %q of type %q is no answer of a kubelet", r.Status, r.Header.Get("Content-Type"))
	}
	if err := refusal(r.Header); err != nil { // there is nothing else
		return err
	}
	b := bufio.NewReaderSize(io.LimitReader(r.Body, kubeletBytes+5), 16<<10)
	if err = readPods(b, take); err == nil {
		_, err = io.Copy(io.Discard, b)
	}
	if e := refusal(r.Trailer); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("read pod resources: %w", err)
	}
	if r.Trailer.Get("Grpc-Status") == "" {
		return errors.New("read pod resources: the answer was cut off")
	}
	return nil
}

// refusal is the error that a header tells of.
func refusal(h http.Header) error {
	code := h.Get("Grpc-Status")
	if code == "" || code == "0" {
		return nil
	}
	message, err := url.PathUnescape(h.Get("Grpc-Message"))
	if err != nil {
		message = h.Get("Grpc-Message")
	}
	return fmt.Errorf("it says %q (code %q)", message[:min(len(message), 200)], code)
}

// readPods reads the answer: a byte, four of the message's length, the message.
// One that is empty may be left out.
func readPods(r *bufio.Reader, take func(*pod) error) error {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if head[0] != 0 {
		return errors.New("it is compressed, which was not asked for")
	}
	left := int64(binary.BigEndian.Uint32(head[1:]))
	if left > kubeletBytes {
		return fmt.Errorf("it has %d bytes; at most %d are read", left, kubeletBytes)
	}
	m := bufio.NewReaderSize(io.LimitReader(r, left), 16<<10)
	var buf []byte
	for {
		tag, err := binary.ReadUvarint(m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		size, ok := uint64(0), true
		switch tag & 7 {
		case 0:
			_, err = binary.ReadUvarint(m)
		case 1:
			size = 8
		case 2:
			size, err = binary.ReadUvarint(m)
		case 5:
			size = 4
		default:
			ok = false
		}
		if err != nil || !ok {
			return cmp.Or(err, errWire)
		}
		if tag != 1<<3|2 { // of a later version
			if _, err := io.CopyN(io.Discard, m, int64(min(size, kubeletBytes))); err != nil {
				return err
			}
			continue
		}
		if size > maxPod {
			return fmt.Errorf("a pod has %d bytes; at most %d are read", size, maxPod)
		}
		buf = slices.Grow(buf[:0], int(size))[:size]
		if _, err := io.ReadFull(m, buf); err != nil {
			return err
		}
		var p pod
		if err := p.read(buf); err != nil {
			return err
		}
		if err := take(&p); err != nil {
			return err
		}
	}
}

var errWire = errors.New("it is not of the form of its protocol")

// fields calls take with the number of every field of a message, and with its
// bytes if it has any.
func fields(b []byte, take func(number uint64, value []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errWire
		}
		b = b[n:]
		size, value := 0, []byte(nil)
		switch tag & 7 {
		case 0:
			_, size = binary.Uvarint(b)
		case 1:
			size = 8
		case 5:
			size = 4
		case 2:
			length, n := binary.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) {
				return errWire
			}
			size = n + int(length)
			value = b[n:size]
		}
		if size <= 0 || size > len(b) {
			return errWire
		}
		b = b[size:]
		if value == nil {
			continue
		}
		if err := take(tag>>3, value); err != nil {
			return err
		}
	}
	return nil
}

// read reads message PodResources.
func (p *pod) read(b []byte) error {
	return fields(b, func(n uint64, v []byte) error {
		switch n {
		case 1:
			p.name = string(v)
		case 2:
			p.namespace = string(v)
		case 3: // ContainerResources
			return fields(v, func(n uint64, v []byte) error {
				switch n {
				case 2:
					return p.readDevices(v)
				case 5: // DynamicResource
					return fields(v, func(n uint64, v []byte) error {
						if n == 4 {
							return p.readClaim(v)
						}
						return nil
					})
				}
				return nil
			})
		}
		return nil
	})
}

// readDevices reads message ContainerDevices.
func (p *pod) readDevices(b []byte) error {
	resource := ""
	var ids []string
	err := fields(b, func(n uint64, v []byte) error {
		switch n {
		case 1:
			resource = string(v)
		case 2:
			ids = append(ids, string(v))
		}
		return nil
	})
	for _, id := range ids {
		if accelerator(resource, id) {
			p.add(id)
		}
	}
	return err
}

// readClaim reads message ClaimResource.
func (p *pod) readClaim(b []byte) error {
	driver, device := "", ""
	err := fields(b, func(n uint64, v []byte) error {
		switch n {
		case 2:
			driver = string(v)
		case 4:
			device = string(v)
		}
		return nil
	})
	if name, ok := claimed(driver, device); ok {
		p.add(name)
	}
	return err
}

func (p *pod) add(device string) {
	if device != "" && len(p.devices) <= maxHoldings && !slices.Contains(p.devices, device) {
		p.devices = append(p.devices, device)
	}
}

// accelerator reports whether a device is a GPU: of nvidia.com/gpu,
// nvidia.com/gpu.shared, nvidia.com/mig-1g.10gb, amd.com/gpu, amd.com/cpx_nps4,
// habana.ai/gaudi, or of any other name that a site has given its GPUs.
func accelerator(resource, id string) bool {
	vendor, kind, _ := strings.Cut(resource, "/")
	switch {
	case strings.HasPrefix(id, "GPU-"), strings.HasPrefix(id, "MIG-"):
		return true
	case vendor == "nvidia.com":
		return strings.HasPrefix(kind, "gpu") || strings.HasPrefix(kind, "mig-")
	case vendor == "amd.com":
		return strings.HasPrefix(kind, "gpu") || strings.Contains(kind, "_nps")
	}
	return vendor == "habana.ai"
}

// claimed is the device of a claim for dynamic resources, as [register.find]
// knows it; ok is false if it is no GPU.
//
//	gpu.nvidia.com    gpu-3, gpu-3-mig-1g10gb-19-0   by NVIDIA's device minor
//	gpu.amd.com       gpu-3-131                      by the numbers of the DRM files
//	gaudi.intel.com   0000-3b-00-0-0x1020            by bus address and model
func claimed(driver, device string) (name string, ok bool) {
	parts := strings.Split(device, "-")
	switch {
	case driver == "gpu.nvidia.com" && len(parts) == 2 && parts[0] == "gpu":
		return "nvidia" + parts[1], true
	case driver == "gpu.nvidia.com" && len(parts) > 3 && parts[0] == "gpu" && parts[2] == "mig":
		return "nvidia" + parts[1] + "/" + strings.Join(parts[3:], "-"), true
	case driver == "gpu.amd.com" && len(parts) == 3 && parts[0] == "gpu":
		return "card" + parts[1], true
	case driver == "gaudi.intel.com" && len(parts) == 5:
		return fmt.Sprintf("%s:%s:%s.%s", parts[0], parts[1], parts[2], parts[3]), true
	}
	return device, driver == "gpu.nvidia.com" || driver == "gpu.amd.com" || driver == "gaudi.intel.com"
}
