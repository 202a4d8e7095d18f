// Answers a question about a phone number, and about a recording, in an image that has nothing but this program.
package main

import (
	"cmp"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

type question struct {
	PhoneNumber string `json:"phone_number"`
	Audio       struct{ Seconds float64 }
}

func main() {
	http.HandleFunc("POST /", func(response http.ResponseWriter, request *http.Request) {
		var asked question
		parts, err := request.MultipartReader()
		if err != nil { // no recording
			json.NewDecoder(request.Body).Decode(&asked)
			json.NewEncoder(response).Encode(map[string]any{"greeting": "Hello " + asked.PhoneNumber})
			return
		}
		part, err := parts.NextPart()
		if err == nil {
			json.NewDecoder(part).Decode(&asked)
			part, err = parts.NextPart()
		}
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		bytes, _ := io.Copy(io.Discard, part)
		if os.Getenv("WAIT") == "audio" { // as if somebody listened to it
			time.Sleep(time.Duration(asked.Audio.Seconds * float64(time.Second)))
		}
		json.NewEncoder(response).Encode(map[string]any{"bytes": bytes, "seconds": asked.Audio.Seconds})
	})
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "9000"), nil))
}
