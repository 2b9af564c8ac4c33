"""Reports to directors by e-mail: each their own, once.

::

    recipients   who gets whose reports
    origins      what a report would be made from now
    gate         which reports may be mailed, and why the others may not
    content      what a message says, in words
    layout       the words as HTML that mail clients show, and as plain text
    compose      the words, figures and reports as one MIME message
    check        a finished message, read back: whom it goes to, whom it is about, what clients would drop
    journal      what was begun, sent, refused; on disk before and after each send
    server       where and how to send, from KPI_SMTP_URL
    session      one conversation with the server
    delivery     letters out, each at most once
    outbox       all of it together
"""
