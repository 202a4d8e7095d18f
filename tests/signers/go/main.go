// Judges with the Go module github.com/twilio/twilio-go. One JSON object a line comes in, one goes out:
//
//	{"judge": {"url", "token", "params" or "body", "signature"}}  ->  {"valid": true, false or null}
//
// null where a name has a list of values: the library takes one value for each. Its signing function is not exported, so
// it signs nothing. Ends when its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/twilio/twilio-go/client"
)

type question struct {
	Judge struct {
		URL       string                     `json:"url"`
		Token     string                     `json:"token"`
		Params    map[string]json.RawMessage `json:"params"`
		Body      *string                    `json:"body"`
		Signature string                     `json:"signature"`
	} `json:"judge"`
}

type answer struct {
	Valid *bool `json:"valid"`
}

func judge(asked question) answer {
	request := asked.Judge
	validator := client.NewRequestValidator(request.Token)
	if request.Body != nil {
		valid := validator.ValidateBody(request.URL, []byte(*request.Body), request.Signature)
		return answer{&valid}
	}
	params := make(map[string]string)
	for name, raw := range request.Params {
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			return answer{nil}
		}
		params[name] = value
	}
	valid := validator.Validate(request.URL, params, request.Signature)
	return answer{&valid}
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for {
		line, err := input.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			log.Fatal(err)
		}
		if err := json.NewEncoder(output).Encode(judge(asked)); err != nil {
			log.Fatal(err)
		}
	}
}
