"""Questions a responder asks of a case: what happened, what does this record say, why is this a finding."""
