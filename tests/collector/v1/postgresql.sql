CREATE TABLE aside (
    id bigint NOT NULL,
    received double precision NOT NULL,
    topic text NOT NULL,
    why text NOT NULL,
    payload bytea NOT NULL
);
CREATE SEQUENCE aside_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE aside_id_seq OWNED BY aside.id;
CREATE TABLE audit (
    id bigint NOT NULL,
    at double precision NOT NULL,
    who character varying(80) NOT NULL,
    what text NOT NULL
);
CREATE SEQUENCE audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE audit_id_seq OWNED BY audit.id;
CREATE TABLE certificates (
    sha256 character varying(64) NOT NULL,
    subject text NOT NULL,
    issuer text NOT NULL,
    not_before double precision,
    not_after double precision,
    spki_sha256 character varying(64) NOT NULL,
    ca boolean NOT NULL,
    record text NOT NULL,
    first_seen double precision NOT NULL,
    last_seen double precision NOT NULL
);
CREATE TABLE findings (
    probe_id integer NOT NULL,
    uid character varying(64) NOT NULL,
    check_id character varying(80) NOT NULL,
    status character varying(20) NOT NULL,
    severity integer NOT NULL,
    policy character varying(80) NOT NULL,
    rule character varying(80) NOT NULL,
    title text NOT NULL,
    endpoint character varying(200) NOT NULL,
    name character varying(255) NOT NULL,
    first_seen double precision NOT NULL,
    last_seen double precision NOT NULL,
    sightings bigint NOT NULL,
    record text NOT NULL,
    workflow character varying(20) NOT NULL,
    until double precision,
    note text NOT NULL,
    changed double precision NOT NULL
);
CREATE TABLE meta (
    key character varying(40) NOT NULL,
    value text NOT NULL
);
CREATE TABLE probes (
    id integer NOT NULL,
    site character varying(128) NOT NULL,
    probe character varying(128) NOT NULL,
    version character varying(40) NOT NULL,
    boot_id character varying(64) NOT NULL,
    online boolean NOT NULL,
    first_seen double precision NOT NULL,
    last_seen double precision NOT NULL,
    missed bigint NOT NULL,
    drops text NOT NULL,
    health text NOT NULL,
    state text NOT NULL
);
CREATE SEQUENCE probes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE probes_id_seq OWNED BY probes.id;
CREATE TABLE received (
    stream_id integer NOT NULL,
    seq bigint NOT NULL
);
CREATE TABLE sightings (
    sha256 character varying(64) NOT NULL,
    probe_id integer NOT NULL,
    endpoint character varying(200) NOT NULL,
    name character varying(255) NOT NULL,
    first_seen double precision NOT NULL,
    last_seen double precision NOT NULL
);
CREATE TABLE streams (
    id integer NOT NULL,
    probe_id integer NOT NULL,
    boot_id character varying(64) NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    given_up bigint NOT NULL,
    last_seen double precision NOT NULL
);
CREATE SEQUENCE streams_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE streams_id_seq OWNED BY streams.id;
CREATE TABLE traffic (
    probe_id integer NOT NULL,
    start integer NOT NULL,
    span integer NOT NULL,
    endpoint character varying(200) NOT NULL,
    class character varying(20) NOT NULL,
    flows bigint NOT NULL,
    bytes bigint NOT NULL
);
ALTER TABLE ONLY aside ALTER COLUMN id SET DEFAULT nextval('aside_id_seq'::regclass);
ALTER TABLE ONLY audit ALTER COLUMN id SET DEFAULT nextval('audit_id_seq'::regclass);
ALTER TABLE ONLY probes ALTER COLUMN id SET DEFAULT nextval('probes_id_seq'::regclass);
ALTER TABLE ONLY streams ALTER COLUMN id SET DEFAULT nextval('streams_id_seq'::regclass);
INSERT INTO aside VALUES (1, 1795000005, 'odd', 'the topic names no site and probe', '\x6e6f7420616e20656e76656c6f7065');
INSERT INTO audit VALUES (1, 1795000009, 'ann', 'acknowledged b known');
INSERT INTO certificates VALUES ('aa', 'CN=pay.example', 'CN=ca', NULL, 1796083200, 'k', false, '{"type":"certificate","sha256":"aa","subject":"CN=pay.example","issuer":"CN=ca","spki_sha256":"k","not_after":"2026-12-01T00:00:00Z","ca":false}', 1795000001, 1795000001);
INSERT INTO certificates VALUES ('bb', 'CN=pay.example', 'CN=ca', NULL, 1796083200, 'k', false, '{"type":"certificate","sha256":"bb","subject":"CN=pay.example","issuer":"CN=ca","spki_sha256":"k","not_after":"2026-12-01T00:00:00Z","ca":false}', 1795000001, 1795000001);
INSERT INTO findings VALUES (1, 'a', 'tls.version', 'fail', 3, '', '', 'TLS 1.0 negotiated', '10.0.3.7:443/tcp', 'pay.example', 1794960000, 1794960001, 3, '{"type":"finding","uid":"a","check":"tls.version","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3.","name":"pay.example"}', 'open', NULL, '', 1795000000);
INSERT INTO findings VALUES (1, 'c', 'certificate.chain', 'fail', 3, '', '', 'TLS 1.0 negotiated', '10.0.3.7:443/tcp', '', 1794960000, 1794960001, 3, '{"type":"finding","uid":"c","check":"certificate.chain","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"sha256":"aa"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3."}', 'open', NULL, '', 1795000000);
INSERT INTO findings VALUES (4, 'a', 'tls.version', 'fail', 3, '', '', 'TLS 1.0 negotiated', '10.0.3.7:443/tcp', '', 1794960000, 1794960001, 3, '{"type":"finding","uid":"a","check":"tls.version","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3."}', 'open', NULL, '', 1795000003);
INSERT INTO findings VALUES (1, 'b', 'plaintext.credentials', 'fail', 4, '', '', 'Password of account “alice” sent in the clear (HTTP Basic)', '10.0.3.8:80/tcp', '', 1794960000, 1794960001, 3, '{"type":"finding","uid":"b","check":"plaintext.credentials","status":"fail","severity":"critical","title":"Password of account \u201calice\u201d sent in the clear (HTTP Basic)","endpoint":"10.0.3.8:80/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3.","policy":""}', 'acknowledged', NULL, 'known', 1795000009);
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO probes VALUES (4, 's1', 'p2', '0.1', 'b1', false, 1795000003, 1795000003, 0, '{}', '{}', '{}');
INSERT INTO probes VALUES (1, 's1', 'p1', '0.1', 'b1', true, 1795000000, 1795000004, 0, '{}', '{}', '{"online":true}');
INSERT INTO received VALUES (4, 5);
INSERT INTO streams VALUES (1, 1, 'b1', 2, 2, 0, 1795000002);
INSERT INTO streams VALUES (4, 4, 'b1', -1, 5, 0, 1795000003);
INSERT INTO traffic VALUES (1, 1794960000, 1, '', 'tls', 2, 300);
SELECT pg_catalog.setval('aside_id_seq', 1, true);
SELECT pg_catalog.setval('audit_id_seq', 1, true);
SELECT pg_catalog.setval('probes_id_seq', 5, true);
SELECT pg_catalog.setval('streams_id_seq', 4, true);
ALTER TABLE ONLY aside
    ADD CONSTRAINT aside_pkey PRIMARY KEY (id);
ALTER TABLE ONLY audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (sha256);
ALTER TABLE ONLY findings
    ADD CONSTRAINT findings_pkey PRIMARY KEY (probe_id, uid);
ALTER TABLE ONLY meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (key);
ALTER TABLE ONLY probes
    ADD CONSTRAINT probes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY received
    ADD CONSTRAINT received_pkey PRIMARY KEY (stream_id, seq);
ALTER TABLE ONLY sightings
    ADD CONSTRAINT sightings_pkey PRIMARY KEY (sha256, probe_id, endpoint);
ALTER TABLE ONLY streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (id);
ALTER TABLE ONLY traffic
    ADD CONSTRAINT traffic_pkey PRIMARY KEY (probe_id, start, span, endpoint, class);
CREATE INDEX certificates_not_after ON certificates USING btree (not_after);
CREATE INDEX certificates_spki ON certificates USING btree (spki_sha256);
CREATE INDEX findings_check ON findings USING btree (check_id);
CREATE INDEX findings_endpoint ON findings USING btree (endpoint);
CREATE INDEX findings_order ON findings USING btree (workflow, severity, last_seen);
CREATE INDEX findings_uid ON findings USING btree (uid);
CREATE UNIQUE INDEX probes_site_probe ON probes USING btree (site, probe);
CREATE INDEX sightings_endpoint ON sightings USING btree (endpoint);
CREATE UNIQUE INDEX streams_probe_boot ON streams USING btree (probe_id, boot_id);
CREATE INDEX traffic_start ON traffic USING btree (span, start);
