// The peer in Go: net/http, and the validator of twilio-go in front of the one route.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/twilio/twilio-go/client"
)

type answer struct {
	PhoneNumber string            `json:"phone_number"`
	Results     map[string]string `json:"results"`
	ErrorCode   *string           `json:"error_code"`
}

func main() {
	publicURL, err := url.Parse(os.Getenv("PUBLIC_URL"))
	if err != nil {
		log.Fatal(err)
	}
	var customers map[string]map[string]string
	if err := json.Unmarshal([]byte(os.Getenv("CUSTOMERS")), &customers); err != nil {
		log.Fatal(err)
	}
	validator := client.NewRequestValidator(os.Getenv("AUTH_TOKEN"))
	origin := publicURL.Scheme + "://" + publicURL.Host
	notFound := "not_found"

	http.HandleFunc("GET "+publicURL.Path+"/incoming-sms", func(writer http.ResponseWriter, request *http.Request) {
		signature := request.Header.Get("X-Twilio-Signature")
		if !validator.Validate(origin+request.URL.RequestURI(), map[string]string{}, signature) {
			http.Error(writer, "unverified", http.StatusForbidden)
			return
		}
		number := request.URL.Query().Get("phone")
		found := answer{PhoneNumber: number, Results: customers[number]}
		if found.Results == nil {
			found.ErrorCode = &notFound
		}
		writer.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(writer).Encode(found); err != nil {
			log.Print(err)
		}
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
