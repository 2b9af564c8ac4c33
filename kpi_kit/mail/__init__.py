"""Reports to directors by e-mail: each their own, once.

::

    recipients     who gets whose reports
    current_inputs hashes of the inputs of reports as they are now
    gate           which reports may be mailed, and why the others may not
    content        what a message says, in words
    layout         the words as HTML that mail clients show, and as plain text
    compose        the words, figures and reports as one MIME message
    check          the last check of a finished message: recipient, names, files, links
    journal        what was sent; on disk before and after each send
    server         where and how to send, from KPI_SMTP_URL
    session        an SMTP session
    setbacks       faults of sending, by whether the message may have been accepted
    delivery       send each letter at most once
    sending        planned messages: shown, kept as files, sent
    outbox         the messages of a period
"""
