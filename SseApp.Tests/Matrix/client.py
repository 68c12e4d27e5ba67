"""python3 client.py <url>: one client on one stream, of the standard library alone, as such clients are usually written: a
line at a time, and a blank line ends an event. Prints every event that it sees as a line of JSON."""
import json
import sys
import time
import urllib.request

url = sys.argv[1]
last = ""
retry = 1.0
while True:
    request = urllib.request.Request(url, headers={"Accept": "text/event-stream"})
    if last:
        request.add_header("Last-Event-ID", last)
    try:
        with urllib.request.urlopen(request, timeout=40) as response:
            event = {"type": "message", "data": "", "lastEventId": last}
            data = []
            for line in response:
                line = line.decode().rstrip("\r\n")
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if line == "":
                    last = event["lastEventId"]
                    print(json.dumps({**event, "data": "\n".join(data)}), flush=True)
                    event = {"type": "message", "data": "", "lastEventId": last}
                    data = []
                elif field == "data":
                    data.append(value)
                elif field == "event":
                    event["type"] = value
                elif field == "id":
                    event["lastEventId"] = value
                elif field == "retry":
                    retry = int(value) / 1000
    except OSError as error:
        print(error, file=sys.stderr)
    except Exception as error:  # http.client.IncompleteRead and others: the connection broke.
        print(repr(error), file=sys.stderr)
    time.sleep(retry)
