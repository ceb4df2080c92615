{% macro refuse_broken_rows(staged) %}
    {%- set rules = contract_rules(this, false) -%}
    {%- if not rules -%}{{ return('') }}{%- endif -%}
    {%- set counts = run_query('select ' ~ rules | map(attribute='count') | join(', ') ~ ' from ' ~ this).rows[0].values() -%}
    {%- set messages = [] -%}
    {%- for rule, count in zip(rules, counts) if count | int > 0 -%}
        {%- do messages.append(told_rows(this, rule, count)) -%}
    {%- endfor -%}
    {%- if messages -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' has rows that break its contract: ' ~ messages | join('; ')
            ~ '. Builds check only the rows that they write, so these are older than the rule, or something else wrote them.'
            ~ ' Nothing was changed; correct the data or the rule. To restore rows that you deleted by hand:'
            ~ " dbt build --select " ~ model.name ~ "+ --vars 'rebuild: true'"
        ) -%}
    {%- endif -%}
{% endmacro %}
