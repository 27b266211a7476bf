-- For an archive whose tables were made before there were the roles of roles.sql: hands them over. After roles.sql, once, as a
-- superuser, in the archive's database, which must hold nothing else, and with no persister at work:
--
--   psql "postgresql://postgres@db.example/anabranch" --single-transaction --file deploy/postgresql/hand_over.sql
--
-- Whoever owned them can do nothing with them from then on, unless it is a superuser.

DO $$
DECLARE
  one text;
BEGIN
  -- and not REASSIGN OWNED: that is refused where a superuser made the tables
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE public.%I OWNER TO anabranch_owner', one);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO anabranch_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO anabranch_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO anabranch_reader;
