{% macro audit_before_publish(staged, merges) %}
    {%- if var('reconcile', false) -%}{{ return(refuse_differences(staged)) }}{%- endif -%}
    {#- dbt compares only broad types: it takes decimal(38,9) for decimal(10,2), and array<int> for array<string>. -#}
    {%- set differences = contract_columns_differ(staged) if model.config.contract.enforced else '' -%}
    {%- if differences -%}{%- do drop_relation(staged) -%}{%- endif -%}
    {%- do refuse_other_columns(differences) -%}
    {%- set rules = contract_rules(staged, merges) -%}
    {%- set counts -%}
        select
            {%- for rule in rules %}
            {{ rule.count }} as rule_{{ loop.index }},
            {%- endfor %}
            count(*) as staged,
            {{ lease_column() }} as silent
        from {{ staged }}
    {%- endset -%}
    {%- set found = run_query(counts).rows[0].values() -%}
    {%- do keep_lease(staged, found[-1]) -%}
    {%- do store_result('rows staged', response=found[-2]) -%}
    {%- set broken = [] -%}
    {%- set messages = [] -%}
    {%- for rule, count in zip(rules, found) if count | int > 0 -%}
        {%- do broken.append(rule) -%}
        {%- do messages.append(told_rows(staged, rule, count)) -%}
    {%- endfor -%}
    {%- if broken -%}
        {%- set kept = keep_failures(staged, broken) -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            'The contract of ' ~ this ~ ' is broken; nothing was published and readers keep the old data: '
            ~ messages | join('; ') ~ ('. The rows are in ' ~ kept if kept)
            ~ ('. If no better record will come: dm quarantine held' if kept and model.sources)
        ) -%}
    {%- endif -%}
    {%- do drop_failures() -%}
{% endmacro %}
