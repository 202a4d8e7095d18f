// Command discovery tells Prometheus which pods there are, since Debian builds it without its own way to ask Kubernetes.
// Beside Prometheus in its pod, it answers http_sd_configs on 127.0.0.1:9091: one target for each port of each running pod
// (one without a port where it names none), under the labels that Prometheus' own kubernetes_sd_configs would give.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

const (
	account = "/var/run/secrets/kubernetes.io/serviceaccount/"
	prefix  = "__meta_kubernetes_"
)

type pods struct {
	Items []pod `json:"items"`
}

type pod struct {
	Metadata struct {
		Name, Namespace     string
		Labels, Annotations map[string]string
	}
	Spec struct {
		Containers []struct {
			Name  string
			Ports []struct {
				Name          string
				ContainerPort int
			}
		}
	}
	Status struct{ PodIP, Phase string }
}

type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func main() {
	client, err := apiClient()
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		found, err := list(client)
		if err != nil {
			// Prometheus keeps the targets it has
			log.Print(err)
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(targets(found))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:9091", nil))
}

func apiClient() (*http.Client, error) {
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}, nil
}

func list(client *http.Client) (pods, error) {
	var found pods
	token, err := os.ReadFile(account + "token") // read each time: kubelet renews it
	if err != nil {
		return found, err
	}
	server := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	request, err := http.NewRequest(http.MethodGet, "https://"+server+"/api/v1/pods", nil)
	if err != nil {
		return found, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	answer, err := client.Do(request)
	if err != nil {
		return found, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return found, fmt.Errorf("listing the pods: %s", answer.Status)
	}
	return found, json.NewDecoder(answer.Body).Decode(&found)
}

func targets(found pods) []target {
	all := []target{}
	for _, pod := range found.Items {
		if pod.Status.PodIP == "" || pod.Status.Phase != "Running" {
			continue
		}
		ports := 0
		for _, container := range pod.Spec.Containers {
			for _, port := range container.Ports {
				ports++
				labels := labelsOf(pod)
				labels[prefix+"pod_container_name"] = container.Name
				labels[prefix+"pod_container_port_name"] = port.Name
				address := net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port.ContainerPort))
				all = append(all, target{[]string{address}, labels})
			}
		}
		if ports == 0 {
			all = append(all, target{[]string{pod.Status.PodIP}, labelsOf(pod)})
		}
	}
	return all
}

var unsafe = regexp.MustCompile(`[^a-zA-Z0-9_]`)

func labelsOf(pod pod) map[string]string {
	labels := map[string]string{
		prefix + "namespace": pod.Metadata.Namespace,
		prefix + "pod_name":  pod.Metadata.Name,
		prefix + "pod_ip":    pod.Status.PodIP,
	}
	for name, value := range pod.Metadata.Labels {
		labels[prefix+"pod_label_"+unsafe.ReplaceAllString(name, "_")] = value
	}
	for name, value := range pod.Metadata.Annotations {
		labels[prefix+"pod_annotation_"+unsafe.ReplaceAllString(name, "_")] = value
	}
	return labels
}
