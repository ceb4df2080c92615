{% macro batch_iceberg_merge(tmp_relation, target_relation, merge_part, dest_cols_csv) %}
    {%- do exceptions.raise_compiler_error(
        'The merge into ' ~ target_relation ~ ' touches more partitions than Athena writes at once (100).'
        ~ ' Splitting it into several commits would show half a merge:'
        ~ ' partition the table more coarsely, or unset force_batch.'
    ) -%}
{% endmacro %}
