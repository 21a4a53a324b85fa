// Command image makes a container image of homefleet as an OCI layout, without a container engine and without a registry.
//
//	go run . OUT ARCH=BINARY ...
//
// The same binaries make the same bytes: no file and no configuration has a time of its own.
package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// authorities is where Debian's ca-certificates keeps the bundle, and where Go looks for one.
const authorities = "etc/ssl/certs/ca-certificates.crt"

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: image OUT ARCH=BINARY ...")
		os.Exit(2)
	}
	if err := build(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func build(out string, binaries []string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		arch, binary, ok := strings.Cut(b, "=")
		if !ok {
			return fmt.Errorf("%q is no ARCH=BINARY", b)
		}
		image, err := imageOf(arch, binary)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		platform := &v1.Platform{OS: "linux", Architecture: arch}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	// The layout names one thing, which is for both architectures: tools then choose the one they want by themselves.
	dir, err := layout.Write(out, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": "latest"}
	if err := dir.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}

func imageOf(arch, binary string) (v1.Image, error) {
	files, err := filesOf(binary)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return nil, err
	}
	made, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: arch,
		RootFS: made.RootFS,
		Config: v1.Config{
			User:         "65532:65532",
			Entrypoint:   []string{"/homefleet"},
			Cmd:          []string{"run"},
			StopSignal:   "SIGINT", // an orderly end: devices say that they are offline
			ExposedPorts: map[string]struct{}{"1883/tcp": {}, "7676/tcp": {}},
			// Inside a container nobody is there but who was let in.
			Env: []string{"HOMEFLEET_SCENARIO=bedroom", "HOMEFLEET_LISTEN=0.0.0.0:1883", "HOMEFLEET_CONTROL=0.0.0.0:7676"},
			Labels: map[string]string{
				"org.opencontainers.image.title":       "homefleet",
				"org.opencontainers.image.description": "Virtual lights, thermostats and plugs that speak MQTT 5",
			},
		},
	})
}

// filesOf is the only layer: the binary, a bundle of certificate authorities for mqtts and wss, and a place for files.
func filesOf(binary string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []struct {
		name string
		mode int64
	}{{"etc/", 0o755}, {"etc/ssl/", 0o755}, {"etc/ssl/certs/", 0o755}, {"tmp/", 0o1777}} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir.name, Mode: dir.mode}); err != nil {
			return nil, err
		}
	}
	for _, file := range []struct {
		name, from string
		mode       int64
	}{{authorities, "/" + authorities, 0o644}, {"homefleet", binary, 0o755}} {
		content, err := os.ReadFile(file.from)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file.name, Mode: file.mode, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}
