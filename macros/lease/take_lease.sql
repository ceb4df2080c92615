{% macro take_lease() %}
    {%- if not takes_lease() -%}{{ return('') }}{%- endif -%}
    {%- set lease, now = ops_relation('lease'), 'cast(to_unixtime(current_timestamp) as bigint)' -%}
    {%- set who = env_var('DM_ACTOR', env_var('USER', 'someone')) -%}
    {%- set take -%}
        merge into {{ lease }} as lease
        using (select '{{ invocation_id }}' as holder, '{{ who | replace("'", "''") }}' as who, {{ now }} as asked_at) as asked
        on true
        when matched and (lease.holder = '' or lease.renewed_at <= asked.asked_at - {{ lease_seconds() }}) then update set
            fenced = lease.holder, holder = asked.holder, who = asked.who, taken_at = asked.asked_at, renewed_at = asked.asked_at
        when not matched then insert (holder, who, fenced, taken_at, renewed_at)
            values (asked.holder, asked.who, '', asked.asked_at, asked.asked_at)
    {%- endset -%}
    {%- do run_query(take) -%}
    {%- set held = run_query(
        'select holder, who, fenced, taken_at, renewed_at, ' ~ now ~ ' as asked_at,'
        ~ ' (select count(distinct "$path") from ' ~ ops_relation('consumed') ~ ') as files from ' ~ lease
    ).rows[0] -%}
    {%- if held[0] == invocation_id -%}
        {%- if held[2] -%}
            {%- do log('Build ' ~ held[2] ~ ' is presumed dead: this build has taken over its lease.', info=true) -%}
        {%- endif -%}
        {#- Even if the lease was free: Athena may have finished a CTAS after the end of the build that started it. -#}
        {%- do drop_leftovers() -%}
    {%- else -%}
        {%- set silent, left = held[5] | int - held[4] | int, lease_seconds() - held[5] | int + held[4] | int -%}
        {%- do exceptions.raise_compiler_error(
            'Another build is at work on these tables; nothing was changed.'
            ~ '\n  who:        ' ~ held[1] ~ ', build ' ~ held[0]
            ~ '\n  since:      ' ~ modules.datetime.datetime.fromtimestamp(held[3] | int, modules.pytz.utc)
            ~ '\n  last heard: ' ~ silent ~ ' seconds ago'
            ~ '\nWait for its end, then run this again. If it is dead, it loses its lease in ' ~ [left, 0] | max
            ~ ' seconds' ~ ('' if held[0].startswith('maintenance-') else ', or now by: dm maintain free ' ~ held[0].removeprefix('freed-'))
        ) -%}
    {%- endif -%}
    {#- Each build with new data adds a file for each model. -#}
    {%- if held[6] | int > var('consumed_files', 100) -%}{%- do compact_consumed() -%}{%- endif -%}
{% endmacro %}
