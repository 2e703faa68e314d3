/* Tables that have no cohort of their own, under their plain names: what was refused, and what was found in responses before it is joined. */
create view rejects as
select evidence_id, record_no, record_offset, reason, record_length, raw, record_id
from facts.rejects;

create view content_matches as
select evidence_id, record_no, record_offset, part, pattern, pattern_class, json_path, match_count, match_offset, match_length, value_ordinal, record_id
from facts.content_matches;

create view header_verdicts as
select evidence_id, record_no, record_offset, header, subject, verdict, verdict_rank, verdict_detail, record_id
from facts.header_verdicts;
