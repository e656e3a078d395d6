BEGIN TRANSACTION;
CREATE TABLE aside (
	id INTEGER NOT NULL, 
	received FLOAT NOT NULL, 
	topic TEXT NOT NULL, 
	why TEXT NOT NULL, 
	payload BLOB NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "aside" VALUES(1,1795000005.0,'odd','the topic names no site and probe',X'6E6F7420616E20656E76656C6F7065');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	who VARCHAR(80) NOT NULL, 
	what TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,1795000009.0,'ann','acknowledged b known');
CREATE TABLE certificates (
	sha256 VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	issuer TEXT NOT NULL, 
	not_before FLOAT, 
	not_after FLOAT, 
	spki_sha256 VARCHAR(64) NOT NULL, 
	ca BOOLEAN NOT NULL, 
	record TEXT NOT NULL, 
	first_seen FLOAT NOT NULL, 
	last_seen FLOAT NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "certificates" VALUES('aa','CN=pay.example','CN=ca',NULL,1796083200.0,'k',0,'{"type":"certificate","sha256":"aa","subject":"CN=pay.example","issuer":"CN=ca","spki_sha256":"k","not_after":"2026-12-01T00:00:00Z","ca":false}',1795000001.0,1795000001.0);
INSERT INTO "certificates" VALUES('bb','CN=pay.example','CN=ca',NULL,1796083200.0,'k',0,'{"type":"certificate","sha256":"bb","subject":"CN=pay.example","issuer":"CN=ca","spki_sha256":"k","not_after":"2026-12-01T00:00:00Z","ca":false}',1795000001.0,1795000001.0);
CREATE TABLE findings (
	probe_id INTEGER NOT NULL, 
	uid VARCHAR(64) NOT NULL, 
	check_id VARCHAR(80) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	severity INTEGER NOT NULL, 
	policy VARCHAR(80) NOT NULL, 
	rule VARCHAR(80) NOT NULL, 
	title TEXT NOT NULL, 
	endpoint VARCHAR(200) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	first_seen FLOAT NOT NULL, 
	last_seen FLOAT NOT NULL, 
	sightings INTEGER NOT NULL, 
	record TEXT NOT NULL, 
	workflow VARCHAR(20) NOT NULL, 
	until FLOAT, 
	note TEXT NOT NULL, 
	changed FLOAT NOT NULL, 
	PRIMARY KEY (probe_id, uid)
);
INSERT INTO "findings" VALUES(1,'a','tls.version','fail',3,'','','TLS 1.0 negotiated','10.0.3.7:443/tcp','pay.example',1794960000.0,1794960001.0,3,'{"type":"finding","uid":"a","check":"tls.version","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3.","name":"pay.example"}','open',NULL,'',1795000000.0);
INSERT INTO "findings" VALUES(1,'b','plaintext.credentials','fail',4,'','','Password of account “alice” sent in the clear (HTTP Basic)','10.0.3.8:80/tcp','',1794960000.0,1794960001.0,3,'{"type":"finding","uid":"b","check":"plaintext.credentials","status":"fail","severity":"critical","title":"Password of account \u201calice\u201d sent in the clear (HTTP Basic)","endpoint":"10.0.3.8:80/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3.","policy":""}','acknowledged',NULL,'known',1795000009.0);
INSERT INTO "findings" VALUES(1,'c','certificate.chain','fail',3,'','','TLS 1.0 negotiated','10.0.3.7:443/tcp','',1794960000.0,1794960001.0,3,'{"type":"finding","uid":"c","check":"certificate.chain","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"sha256":"aa"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3."}','open',NULL,'',1795000000.0);
INSERT INTO "findings" VALUES(2,'a','tls.version','fail',3,'','','TLS 1.0 negotiated','10.0.3.7:443/tcp','',1794960000.0,1794960001.0,3,'{"type":"finding","uid":"a","check":"tls.version","status":"fail","severity":"high","title":"TLS 1.0 negotiated","endpoint":"10.0.3.7:443/tcp","observed":{"tls.version":"TLSv1.0"},"count":3,"first_seen":"2026-11-18T00:00:00Z","last_seen":"2026-11-18T00:00:01Z","evidence":{"class":"observed","flows":["1:x"],"frames":[]},"remediation":"Allow only TLS 1.2 and 1.3."}','open',NULL,'',1795000003.0);
CREATE TABLE meta (
	"key" VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE probes (
	id INTEGER NOT NULL, 
	site VARCHAR(128) NOT NULL, 
	probe VARCHAR(128) NOT NULL, 
	version VARCHAR(40) NOT NULL, 
	boot_id VARCHAR(64) NOT NULL, 
	online BOOLEAN NOT NULL, 
	first_seen FLOAT NOT NULL, 
	last_seen FLOAT NOT NULL, 
	missed INTEGER NOT NULL, 
	drops TEXT NOT NULL, 
	health TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "probes" VALUES(1,'s1','p1','0.1','b1',1,1795000000.0,1795000004.0,0,'{}','{}','{"online":true}');
INSERT INTO "probes" VALUES(2,'s1','p2','0.1','b1',0,1795000003.0,1795000003.0,0,'{}','{}','{}');
CREATE TABLE received (
	stream_id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (stream_id, seq)
);
INSERT INTO "received" VALUES(2,5);
CREATE TABLE sightings (
	sha256 VARCHAR(64) NOT NULL, 
	probe_id INTEGER NOT NULL, 
	endpoint VARCHAR(200) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	first_seen FLOAT NOT NULL, 
	last_seen FLOAT NOT NULL, 
	PRIMARY KEY (sha256, probe_id, endpoint)
);
CREATE TABLE streams (
	id INTEGER NOT NULL, 
	probe_id INTEGER NOT NULL, 
	boot_id VARCHAR(64) NOT NULL, 
	low INTEGER NOT NULL, 
	high INTEGER NOT NULL, 
	given_up INTEGER NOT NULL, 
	last_seen FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "streams" VALUES(1,1,'b1',2,2,0,1795000002.0);
INSERT INTO "streams" VALUES(2,2,'b1',-1,5,0,1795000003.0);
CREATE TABLE traffic (
	probe_id INTEGER NOT NULL, 
	start INTEGER NOT NULL, 
	span INTEGER NOT NULL, 
	endpoint VARCHAR(200) NOT NULL, 
	class VARCHAR(20) NOT NULL, 
	flows INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	PRIMARY KEY (probe_id, start, span, endpoint, class)
);
INSERT INTO "traffic" VALUES(1,1794960000,1,'','tls',2,300);
CREATE UNIQUE INDEX probes_site_probe ON probes (site, probe);
CREATE UNIQUE INDEX streams_probe_boot ON streams (probe_id, boot_id);
CREATE INDEX findings_order ON findings (workflow, severity, last_seen);
CREATE INDEX findings_uid ON findings (uid);
CREATE INDEX findings_endpoint ON findings (endpoint);
CREATE INDEX findings_check ON findings (check_id);
CREATE INDEX certificates_spki ON certificates (spki_sha256);
CREATE INDEX certificates_not_after ON certificates (not_after);
CREATE INDEX sightings_endpoint ON sightings (endpoint);
CREATE INDEX traffic_start ON traffic (span, start);
COMMIT;
