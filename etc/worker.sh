#!/bin/sh
# A complete bot:
#
#   switchhook queue run ai --batch --reply -- \
#       sh /usr/share/doc/switchhook/examples/worker.sh
#
# What it prints is the reply, and nothing is none. Exit status 0: done; 10:
# people are to answer; any other: it comes again later.
#
# Its input is one JSON object a line for each message; this takes the texts
# out as far as a quotation mark. worker.py reads JSON.
texts=$(sed -n 's/.*"Body": *\["\([^"\\]*\).*/\1/p')

case $texts in
*[Hh]uman* | *[Aa]gent*) exit 10 ;;
'') exit 0 ;; # a picture, say
esac

echo "Thank you! We have read:"
printf '%s\n' "$texts" | cut -c 1-300 | head -n 4
