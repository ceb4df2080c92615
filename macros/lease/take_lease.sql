{% macro take_lease() %}
    {%- if not takes_lease() -%}{{ return('') }}{%- endif -%}
    {%- set lease, now = lease_relation(), 'cast(to_unixtime(current_timestamp) as bigint)' -%}
    {%- set patience = 0 if var('take_over', false) else lease_seconds() -%}
    {%- set who = env_var('DM_ACTOR', env_var('USER', 'someone')) -%}
    {%- do run_query(
        'update ' ~ lease ~ " set fenced = holder, holder = '" ~ invocation_id ~ "', who = '" ~ who | replace("'", "''")
        ~ "', taken_at = " ~ now ~ ', renewed_at = ' ~ now
        ~ " where holder = '' or renewed_at <= " ~ now ~ ' - ' ~ patience
    ) -%}
    {%- set held = run_query(
        'select holder, who, fenced, taken_at, renewed_at, ' ~ now ~ ' as asked_at,'
        ~ ' (select count(distinct "$path") from ' ~ consumed_relation() ~ ') as files from ' ~ lease
    ).rows[0] -%}
    {%- if held[0] == invocation_id -%}
        {%- if held[2] -%}
            {%- do log('Build ' ~ held[2] ~ ' is given up for dead: this one has taken over its lease.', info=true) -%}
        {%- endif -%}
        {#- Also where the lease was free: Athena may have ended a CTAS after the build that asked for it. -#}
        {%- do drop_leftovers() -%}
    {%- else -%}
        {%- set silent, left = held[5] | int - held[4] | int, lease_seconds() - held[5] | int + held[4] | int -%}
        {%- do exceptions.raise_compiler_error(
            'Another build is at work on these tables; nothing was changed.'
            ~ '\n  who:        ' ~ held[1] ~ ', build ' ~ held[0]
            ~ '\n  since:      ' ~ modules.datetime.datetime.fromtimestamp(held[3] | int, modules.pytz.utc)
            ~ '\n  last heard: ' ~ silent ~ ' seconds ago'
            ~ '\nWait for its end, then run this again. If it is dead, it loses its lease in ' ~ [left, 0] | max
            ~ ' seconds; if you know that it is, take over now: --vars \'take_over: true\''
        ) -%}
    {%- endif -%}
    {#- A build with news adds a file for each model. -#}
    {%- if held[6] | int > var('consumed_files', 100) -%}{%- do compact_consumed() -%}{%- endif -%}
{% endmacro %}
