# Of the switch between the two marks, keeps the cases that `kept` names (and `default`).
BEGIN { split(kept, names, " "); for (i in names) wanted["\"" names[i] "\":"] = 1 }
/TRIGGERS-START/ { within = 1 }
/TRIGGERS-END/ { within = 0 }
within && /^\tcase / { keep = ($2 in wanted) }
within && /^\tdefault:/ { keep = 1 }
within && /^\tswitch / { keep = 1 }
!within || keep || /TRIGGERS-START/ { print }
