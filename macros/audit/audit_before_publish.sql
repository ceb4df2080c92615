{% macro audit_before_publish(staged, merges) %}
    {%- set rules = contract_rules(staged, merges) -%}
    {%- if not rules -%}{{ return(none) }}{%- endif -%}
    {%- set counts -%}
        select
            {%- for rule in rules %}
            {{ rule.count }} as rule_{{ loop.index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ staged }}
    {%- endset -%}
    {%- set found = run_query(counts).rows[0].values() -%}
    {%- set broken = [] -%}
    {%- set messages = [] -%}
    {%- for rule, count in zip(rules, found) if count | int > 0 -%}
        {%- do broken.append(rule) -%}
        {%- do messages.append(count | int ~ ' rows where ' ~ rule.name ~ sample_keys(staged, rule.broken)) -%}
    {%- endfor -%}
    {%- if broken -%}
        {%- set kept = keep_failures(staged, broken) -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            'The contract of ' ~ this ~ ' is broken; nothing was published and readers keep the old data: '
            ~ messages | join('; ') ~ ('. The rows are in ' ~ kept if kept)
        ) -%}
    {%- endif -%}
{% endmacro %}
